# SPDX-License-Identifier: BSD-2-Clause
"""VGG-A and VGG-D (Simonyan and Zisserman, 2014) for CIFAR-10: 3x3 convolutions over 32 x 32 x 3, one fully connected layer; and reduced ones.

The map is a single pixel behind the fifth pool, so that the original's two hidden fully connected layers are left out, as is common for CIFAR-10.
"""

from nets.definition import Draft

_CLASSES = 10

# Output channels of each convolution, stage by stage; a max pool ends each stage.
_A = ((64,), (128,), (256, 256), (512, 512), (512, 512))
_D = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

# The same for reduced networks: (outputs,) is a plain convolution, (outputs, width, branches) a compressed one.
_SPARSE_A = (((64,),), ((128,),), ((256, 128, 2), (256, 128, 2)), ((512, 128, 4), (512, 128, 8)), ((512, 64, 8), (512, 64, 8)))
_SPARSE_D = (((64,), (64,)), ((128,), (128, 64, 2)), ((256, 128, 2), (256, 128, 4), (256, 128, 4)),
             ((512, 64, 4), (512, 64, 4), (512, 64, 8)), ((512, 64, 8), (512, 64, 8), (512, 64, 8)))


def _vgg(name, stages):
    draft, tensor = Draft(name, 32, 32, 3), "input"
    for stage, layers in enumerate(stages, 1):
        for number, (outputs, *partition) in enumerate(layers, 1):
            convolution = draft.compressed if partition else draft.convolution
            tensor = convolution(f"conv{stage}_{number}", tensor, outputs, *partition)
        tensor = draft.max_pool(f"pool{stage}", tensor)
    draft.dense("classifier", tensor, _CLASSES)
    return draft.definition()


def _plain(stages):
    return [[(outputs,) for outputs in stage] for stage in stages]


def vgg_a():
    """Return VGG-A: 8 convolutions."""
    return _vgg("vgg-a", _plain(_A))


def vgg_d():
    """Return VGG-D: 13 convolutions."""
    return _vgg("vgg-d", _plain(_D))


def sparse_vgg_a():
    """Return VGG-A with feature compression partitions from the third stage on."""
    return _vgg("sparse-vgg-a", _SPARSE_A)


def sparse_vgg_d():
    """Return VGG-D with feature compression partitions in all convolutions but the first."""
    return _vgg("sparse-vgg-d", _SPARSE_D)
