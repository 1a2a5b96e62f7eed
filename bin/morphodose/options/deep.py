"""Parameters of the pipeline: deep profiles."""

from __future__ import annotations

from morphodose.options.option import Group, Option

DEEP = Option(
    "deep",
    "flag",
    True,
    unset=False,
    judged=True,
    help="Make crops, networks, embeddings and their profiles, if the screen has what they need; --deep "
    "false skips them.",
)
CROP_CHANNELS = Option(
    "crop_channels",
    "text",
    None,
    unset="",
    judged=True,
    help="Channels of the single-cell crops, separated by commas. If not given: the brightfield channel (a "
    "single channel is repeated to make the network's three input channels).",
)
CROP_SIZE = Option("crop_size", "integer", 200, minimum=16, maximum=2000, help="Edge of a crop in px.")
EXPORT_CROPS = Option(
    "export_crops",
    "flag",
    False,
    help="Also write each crop as a TIFF, {ImageID}_obj{label}.tif: a million files for a million cells.",
)
EXCLUDE_CROPS = Option(
    "exclude_crops",
    "text",
    "dropped",
    judged=True,
    help="Crops that are neither trained on nor scored, separated by commas: dropped, flagged and "
    "out_of_focus (by image quality), padded (near the border), none.",
)
SPLIT = Option(
    "split",
    "text",
    "auto",
    choices=("auto", "replicate", "wells"),
    judged=True,
    help="What is held out in turn: replicate, wells, or auto (replicates if there are two or more).",
)
SPLIT_FOLDS = Option(
    "split_folds",
    "integer",
    None,
    minimum=2,
    judged=True,
    help="Number of folds. If not given: one per replicate, or 3 of wells.",
)
NETWORK = Option(
    "network", "text", "resnet50", choices=("resnet50", "resnet18"), help="Architecture of the network."
)
INPUT_SIZE = Option(
    "input_size",
    "integer",
    224,
    minimum=16,
    maximum=1024,
    help="Edge of the image that the network sees, in px; crops are resized to it.",
)
HEAD = Option(
    "head",
    "text",
    "multilabel",
    choices=("multilabel", "softmax", "ordinal"),
    judged=True,
    help="Output of the network: multilabel (times + doses, binary cross-entropy), softmax (one class per "
    "label), ordinal (ordered doses and times).",
)
TRAINING = Option(
    "training",
    "text",
    "modern",
    choices=("modern", "reference"),
    help="Preset of the training: modern (AdamW, 1e-3, batch 64, 10 epochs, weighted classes) or reference"
    " (that of the reference workflow: Adam, 3e-5, batch 16, 10 epochs).",
)
EPOCHS = Option("epochs", "integer", None, minimum=1, help="Number of epochs. If not given: the preset's.")
BATCH_SIZE = Option(
    "batch_size", "integer", None, minimum=1, help="Crops per step. If not given: the preset's."
)
LEARNING_RATE = Option(
    "learning_rate",
    "number",
    None,
    above=0,
    help="Highest learning rate (of the head). If not given: the preset's.",
)
LR_RANGE_TEST = Option(
    "lr_range_test", "flag", False, help="Also draw the loss against the learning rate before training."
)
CHECKPOINT_MINUTES = Option(
    "checkpoint_minutes",
    "number",
    10,
    minimum=0,
    help="Minutes between checkpoints within an epoch; 0: only after each epoch.",
)
MAX_TRAINING_CELLS = Option(
    "max_training_cells",
    "integer",
    0,
    minimum=0,
    help="Maximum number of cells that one fold trains on, drawn as the same share of each well at each "
    "time; 0: all.",
)
TRAINING_GPUS = Option(
    "training_gpus",
    "integer",
    1,
    minimum=1,
    maximum=64,
    help="GPUs of a node that one training uses, with one process on each; without --use_gpu: processes on"
    " CPUs.",
)
TRAINING_NODES = Option(
    "training_nodes",
    "integer",
    1,
    minimum=1,
    help="Nodes that one training uses; more than one only with -profile slurm and without images.",
)
CONTROLS = Option(
    "controls",
    "text",
    "all",
    choices=("all", "one", "none"),
    help="Control networks: all (networks trained on permuted labels, one per fold, and one trained on "
    "a random split over cells), one (each kind for a single fold, which may miss a true effect), or none.",
)
IMAGENET_WEIGHTS = Option(
    "imagenet_weights",
    "file",
    None,
    exists=True,
    help="File of ImageNet weights for the network (torchvision's state dict), for comparison; nothing is "
    "downloaded.",
)
EMBEDDING_SHARD = Option(
    "embedding_shard",
    "integer",
    12,
    minimum=1,
    help="Well-timepoints per embedding task, which loads the weights once and takes whole tasks of "
    "--wells_per_task.",
)
SELECT_FEATURES = Option(
    "select_features",
    "integer",
    None,
    minimum=0,
    help="Number of features of each set that chi-squared keeps; 0: all. If not given: 500, or 800 with "
    "--training reference.",
)
PCA_COMPONENTS = Option(
    "pca_components",
    "integer",
    None,
    minimum=2,
    help="Number of principal components to keep. If not given: 50, or 20 with --training reference.",
)
REDUCTION_MODEL = Option(
    "reduction_model",
    "folder",
    None,
    exists=True,
    help="Folder tables/reduced of an earlier run: measurements are projected onto its components, and no "
    "new ones are fitted.",
)

GROUP = Group(
    "deep_profiles",
    "Deep profiles",
    (
        DEEP,
        CROP_CHANNELS,
        CROP_SIZE,
        EXPORT_CROPS,
        EXCLUDE_CROPS,
        SPLIT,
        SPLIT_FOLDS,
        NETWORK,
        INPUT_SIZE,
        HEAD,
        TRAINING,
        EPOCHS,
        BATCH_SIZE,
        LEARNING_RATE,
        LR_RANGE_TEST,
        CHECKPOINT_MINUTES,
        MAX_TRAINING_CELLS,
        TRAINING_GPUS,
        TRAINING_NODES,
        CONTROLS,
        IMAGENET_WEIGHTS,
        EMBEDDING_SHARD,
        SELECT_FEATURES,
        PCA_COMPONENTS,
        REDUCTION_MODEL,
    ),
)
