class TinyViTConfig:
    model_type = "tinyvit"

    def __init__(self, hidden_size=32, patch_size=8, num_labels=2, initializer_range=0.02, **kwargs):
        self.hidden_size, self.patch_size = hidden_size, patch_size
        self.num_labels, self.initializer_range = num_labels, initializer_range
        self.use_return_dict = kwargs.pop("return_dict", True)
