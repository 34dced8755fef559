import argparse


def get_args(argv=()):
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="mlp")
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--nclass", type=int, default=10)
    return parser.parse_args(list(argv))
