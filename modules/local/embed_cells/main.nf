process EMBED_CELLS {
    tag "${meta.id}"
    label 'process_gpu'
    label 'image_resnet'

    input:
    tuple val(meta), path(crops, stageAs: 'crops/*')   // a shard of well-timepoints; meta.kind: trained, untrained, imagenet
    path split
    path networks, stageAs: 'networks/*'               // trained_fold<k>.json and .safetensors of all folds
    path alignment                                     // rotations of the folds, or []
    path imagenet, stageAs: 'imagenet/*'               // weights for the kind imagenet, or []
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(meta), path("embeddings/${meta.kind}/*_embeddings.parquet"), emit: embeddings
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def gpu_flag = task.accelerator ? '--use_gpu' : ''
    def alignment_option = alignment && meta.kind == 'trained' ? "--alignment ${alignment}" : ''
    // a staged path comes escaped: quotes of our own would be too many
    def imagenet_option = imagenet && meta.kind == 'imagenet' ? "--imagenet_weights ${imagenet}" : ''
    """
    printf '%s' '${options}' > options.json
    embed_cells.py \\
        --options options.json \\
        --crops crops \\
        --split ${split} \\
        --kind ${meta.kind} \\
        --networks networks \\
        --workers ${task.accelerator ? task.cpus : 0} \\
        --threads ${task.cpus} \\
        --out embeddings/${meta.kind} \\
        ${alignment_option} \\
        ${imagenet_option} \\
        ${gpu_flag} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir -p embeddings/${meta.kind}
    for shard in crops/*; do
        name=\${shard##*/}
        touch embeddings/${meta.kind}/\${name%.arrow}_embeddings.parquet
    done
    touch versions.yml
    """
}
