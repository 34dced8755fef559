'''Some helper functions: counting, and a progress bar that asks the terminal for its width.'''
import os
import sys

_, term_width = os.popen('stty size 2>/dev/null || echo 24 80', 'r').read().split()
term_width = int(term_width)
ME = "cifar_zoo"


def progress_bar(current, total, msg=None):
    sys.stdout.write('=' * int(term_width * current / total))
    sys.stdout.flush()
