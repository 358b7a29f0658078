"""The words of the report: what a learner should see in each picture and read in each number."""

from __future__ import annotations

TERMS = {
    "layer": "one step of the network, in the order in which they worked on this picture.",
    "output": "rows × columns × channels of what it hands on. A channel is a small picture of its own: how strongly "
    "one pattern is there, place by place.",
    "parameters": "the numbers that training sets: weights, biases, running averages. They make the file large.",
    "multiply-adds": "multiplications with a weight for one picture, each with its addition; they make it slow. "
    "Counted for convolutions and dense layers; the others need little.",
}

FILTERS = (
    "The numbers with which the first layer multiplies the pixels, shown as colours: grey is zero, and each filter is "
    "stretched to its whole range. A light side beside a dark one answers to an edge, a patch of one colour to that "
    "colour. If the filters looked like noise as training began and like patterns now, this training has made them; if "
    "both look alike, they came with the weights that it started from."
)

ACTIVATIONS = (
    "One layer a row, in the order in which they work, and of each the ten channels that differ most from place to "
    "place: dark is a channel's lowest value, yellow its highest. Look for the same things in every row: where the "
    "face is, where its edges are, and how much of both is left as the maps become coarser."
)

# Beside the first row whose map has at least this share of the picture's side.
FINENESS = (
    (1 / 4, "Still nearly the picture: outlines and surfaces at their place, each channel shows something else."),
    (
        1 / 16,
        "Coarser: small things join into larger ones. Some channels answer to one thing only and are dark elsewhere.",
    ),
    (0, "Only a few cells: no outline is left, only that something is there, and roughly where."),
)

# Beside the first row of a layer of this kind.
KINDS = {
    "Conv2D": "Mixes all channels: each new one answers to one pattern in those before it.",
    "DepthwiseConv2D": "Filters each channel alone and compares neighbouring places; nothing is mixed.",
    "ReLU": "What was below zero becomes zero, and dark: only what speaks for a pattern goes on.",
    "Activation": "Bends the values: small ones are pressed together, so that what stands out goes on.",
    "Add": "The input is added to the result, so that a layer need only learn what to change.",
    "MaxPooling2D": "Keeps the strongest of neighbouring places: half as many, and less exact about where.",
    "AveragePooling2D": "Keeps the mean of neighbouring places: half as many, and less exact about where.",
}

LOOKS = (
    "For each answer: which places would have to be stronger to raise it? (Grad-CAM, weighted place by "
    "place.) Bright places speak for the answer, dark ones do not matter to it. The rectangle is the box of the "
    "answer, also when the score beside it is low: then it is only the likeliest place of a picture without a face."
)

LOOK = {
    "face": "What says that there is a face, at the place where the network is surest. Bright on eyes, nose and mouth: "
    "it knows faces. Bright on the wall: it knows the room of its photos.",
    "class": "What says that it is this class. Bright where the classes differ, such as mouth and nose for a mask: "
    "learnt. Bright on clothes or background: learnt from other things in the photos.",
    "box": "What makes the box larger. Bright along chin, cheeks and hair: the box holds on to the edge of the face. "
    "Bright far outside: something there is taken for a part of it.",
}
