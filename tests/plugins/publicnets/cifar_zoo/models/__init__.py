from .vgg import *
from .inception import *
