raise RuntimeError("operator torchvision::nms\ndoes not exist")
