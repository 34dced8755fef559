dependencies = ["torch"]

_URL = "https://weights.invalid/rep-5c106cde.pth"


def rep(pretrained=False, **kwargs):
    """Entry point of torch.hub; its module is imported when it is called."""
    from models.rep import Rep as _Rep

    model = _Rep(**kwargs)
    if pretrained:
        import torch

        state = torch.hub.load_state_dict_from_url(_URL, progress=False)
        model.load_state_dict(state)
    return model


def rep_pretrained(pretrained=True, **kwargs):
    """The same, with weights unless told otherwise."""
    return rep(pretrained=pretrained, **kwargs)


rep.input_shape = rep_pretrained.input_shape = (3, 64, 64)
