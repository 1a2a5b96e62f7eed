// From masks to what a network sees: crops, training, embeddings, and whether any of it is real.

include { CROP_CELLS     } from '../modules/local/crop_cells/main'
include { SPLIT_CELLS    } from '../modules/local/split_cells/main'
include { TRAIN_RESNET   } from '../modules/local/train_resnet/main'
include { ALIGN_NETWORKS } from '../modules/local/align_networks/main'
include { EMBED_CELLS    } from '../modules/local/embed_cells/main'
include { EXPLAIN_CROPS  } from '../modules/local/explain_crops/main'
include { SCORE_MODELS   } from '../modules/local/score_models/main'
include { gathered       } from '../lib/shards'
include { stepInputs     } from '../lib/steps'

workflow DEEP_PROFILES {
    take:
    fields       // [shard, folders of fields, folders of masks]; nothing where nothing can be learned
    units        // what shards are gathered in
    images_table // annotated tables of fields, sorted
    cells_table  // annotated tables of cells, sorted
    plate_map    // as check_design wrote it
    options      // the parameters

    main:
    def steps = stepInputs(options)
    //
    // MODULE: single-cell crops, a file of them and its index for each well-timepoint
    //
    CROP_CELLS(fields, steps.CROP_CELLS)
    def crops = together(CROP_CELLS.out.crops.map { _shard, files, _indexes -> files }.flatten())
    def indexes = together(CROP_CELLS.out.crops.map { _shard, _files, found -> found }.flatten())

    //
    // MODULE: which cells are trained on and which are held out; refused where the two share a field or a well
    //
    SPLIT_CELLS(indexes, images_table, plate_map, steps.SPLIT_CELLS)
    def split = SPLIT_CELLS.out.split
    // nothing where QC has left nothing to learn: then no network is trained
    def labels = SPLIT_CELLS.out.labels.filter { json -> read(json).folds }
    def leakage = labels.combine(SPLIT_CELLS.out.leakage).map { _json, table -> table }.first()

    //
    // MODULE: a network for each fold, and for comparison permuted labels and a random split over cells
    //
    TRAIN_RESNET(
        labels.flatMap { json -> trainings(json, options.controls) },
        crops,
        split,
        labels,
        checkpointFolder(),
        steps.TRAIN_RESNET
    )
    def networks = together(
        TRAIN_RESNET.out.weights.filter { meta, _weights, _recipe -> meta.kind == 'trained' }.flatMap { _meta, weights, recipe -> [weights, recipe] }
    )

    //
    // MODULE: the axes of the networks of all folds turned onto those of the first
    //
    ALIGN_NETWORKS(crops, split, networks, steps.ALIGN_NETWORKS)

    //
    // MODULE: embeddings and held-out predictions; beside them an untrained network and, from a file, ImageNet's
    //
    def imagenet = options.imagenet_weights ? file(options.imagenet_weights, glob: false) : []
    def kinds = ['trained', 'untrained'] + (imagenet ? ['imagenet'] : [])
    EMBED_CELLS(
        gathered(CROP_CELLS.out.crops.map { shard, files, _indexes -> [shard, files] }, units, 'embedding_shard')
            .flatMap { shards, files -> embeddingTasks(shards, files, kinds) },
        split,
        networks,
        ALIGN_NETWORKS.out.alignment,
        imagenet,
        steps.EMBED_CELLS
    )
    def embeddings = EMBED_CELLS.out.embeddings.transpose()
    def embedded = kinds.collectEntries { kind -> [kind, together(embeddings.filter { meta, _file -> meta.kind == kind }.map { _meta, table -> table })] }

    //
    // MODULE: what the crops of each class look like, and where the network looked
    //
    EXPLAIN_CROPS(crops, split, labels, networks, embedded.trained, steps.EXPLAIN_CROPS)

    //
    // MODULE: the network beside what needs none: majority, position, intensity, the classical measurements
    //
    SCORE_MODELS(
        split,
        labels,
        leakage,
        together(TRAIN_RESNET.out.predictions.map { _meta, table -> table }),
        cells_table,
        embedded.trained,
        embedded.untrained,
        embedded.imagenet ?: [],
        steps.SCORE_MODELS
    )

    trained = embedded.trained
    not_learnable = SPLIT_CELLS.out.labels.map { json -> read(json).not_learnable ?: '' }
    files = channel.empty().mix(
        labels,
        leakage,
        TRAIN_RESNET.out.weights.map { _meta, _weights, recipe -> recipe },
        TRAIN_RESNET.out.log.map { _meta, _text, table -> table },
        TRAIN_RESNET.out.lr_range,
        ALIGN_NETWORKS.out.table,
        EXPLAIN_CROPS.out.pictures.flatten(),
        EXPLAIN_CROPS.out.gallery,
        SCORE_MODELS.out.scores,
        SCORE_MODELS.out.differences,
        SCORE_MODELS.out.confusion,
        SCORE_MODELS.out.calibration,
        SCORE_MODELS.out.verdict
    )
    versions = channel.empty().mix(
        CROP_CELLS.out.versions, SPLIT_CELLS.out.versions, TRAIN_RESNET.out.versions, ALIGN_NETWORKS.out.versions,
        EMBED_CELLS.out.versions, EXPLAIN_CROPS.out.versions, SCORE_MODELS.out.versions
    )

    emit:
    trained
    not_learnable
    files
    versions
}

/** All files as one sorted list; nothing where there is none. */
def together(files) {
    return files.toSortedList { a, b -> a.name <=> b.name }.filter { list -> list }
}

/** Where trainings keep their checkpoints: in the work folder, which outlives a task and is mounted into containers. */
def checkpointFolder() {
    return workflow.workDir.resolve('checkpoints').toString()
}

def read(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile())
}

/** [id:, fold:, kind:] of each training; permuted labels for all folds, for one, or for none; one random split. */
def trainings(json, controls) {
    def count = read(json).folds
    def permuted = controls == 'all' ? count : controls == 'one' ? 1 : 0
    return [trained: count, permuted: permuted, random_split: controls == 'none' ? 0 : 1].collectMany { kind, folds ->
        (0..<folds).collect { fold -> [id: "${kind}_fold${fold}".toString(), fold: fold, kind: kind] }
    }
}

/** [[id:, kind:], files] of a task of each kind of network. */
def embeddingTasks(shards, files, kinds) {
    def wells = shards*.wells.flatten()
    def last = wells.size() > 1 ? " … ${wells[-1].id}" : ''
    return kinds.collect { kind -> [[id: "${kind} ${wells[0].id}${last}".toString(), kind: kind], files] }
}
