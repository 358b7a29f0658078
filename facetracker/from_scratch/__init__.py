"""A convolutional network written with numpy alone: to read, to try out, and to examine Keras with.

Read the files in this order; each is one idea, and every array has its shape beside it:

1. `layer.py`: what every layer can do: forward, backward, its parameters and their gradients
2. `windows.py`: im2col, the trick that turns a convolution into one multiplication of matrices
3. `convolution.py`, `pooling.py`, `activations.py`, `normalisation.py`, `dropout.py`, `affine.py`: the layers
4. `loss.py`: softmax and cross-entropy, and why their gradient together is so short
5. `gradient_check.py`: how to know that a backward pass is right
6. `optimizers.py`: from the gradient to the step
7. `network.py`, `networks.py`: layers in a row; `SimpleConvNet` and `VGG6`
8. `trainer.py`, `progress.py`, `drawing.py`: the training loop, its bar, its curves and the filters as pictures
9. `digits.py`: MNIST's files and scikit-learn's digits; `python -m facetracker.from_scratch` trains on them
10. `storage.py`, `plain_pickle.py`: parameters in a file, and out of one that nobody trusts
11. `keras_exchange.py`: the same weights for the same network in Keras

Letters in the shapes: N pictures, C channels, H and W height and width of a picture, F filters, OH and OW height
and width of what comes out, D features of a flat vector, K classes.

Nothing here imports the rest of the package, and nothing but numpy is needed (matplotlib only to draw, scikit-learn
only for its digits).
"""

from facetracker.from_scratch.activations import ReLU
from facetracker.from_scratch.affine import Affine
from facetracker.from_scratch.convolution import Convolution
from facetracker.from_scratch.digits import load_digits, read_idx
from facetracker.from_scratch.dropout import Dropout
from facetracker.from_scratch.gradient_check import check_layer, check_network, numerical_gradient, relative_error
from facetracker.from_scratch.keras_exchange import from_keras_weights, to_keras_weights
from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.loss import SoftmaxWithLoss, cross_entropy, softmax
from facetracker.from_scratch.network import Network
from facetracker.from_scratch.networks import VGG6, SimpleConvNet
from facetracker.from_scratch.normalisation import BatchNormalisation
from facetracker.from_scratch.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSProp, optimizer_named
from facetracker.from_scratch.pooling import MaxPooling
from facetracker.from_scratch.trainer import Trainer
from facetracker.from_scratch.windows import col2im, im2col

__all__ = [
    "SGD",
    "VGG6",
    "AdaGrad",
    "Adam",
    "Affine",
    "BatchNormalisation",
    "Convolution",
    "Dropout",
    "Layer",
    "MaxPooling",
    "Momentum",
    "Nesterov",
    "Network",
    "RMSProp",
    "ReLU",
    "SimpleConvNet",
    "SoftmaxWithLoss",
    "Trainer",
    "check_layer",
    "check_network",
    "col2im",
    "cross_entropy",
    "from_keras_weights",
    "im2col",
    "load_digits",
    "numerical_gradient",
    "optimizer_named",
    "read_idx",
    "relative_error",
    "softmax",
    "to_keras_weights",
]
