"""A factory that imports a module by the name of an option, when it is called."""
from argparse import ArgumentParser

from models import find_model


def create_model(num_classes, name="vgg", width=16):
    """The options of the command line, with their defaults."""
    parser = ArgumentParser()
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--classes", type=int, default=10)
    opt = parser.parse_args([f"--width={width}", f"--classes={num_classes}"])
    return find_model(name)(opt)


create_model.input_shape = (3, 32, 32)
