process EXPLAIN_CROPS {
    label 'process_gpu'
    label 'image_resnet'

    input:
    path crops, stageAs: 'crops/*'
    path split
    path labels
    path networks, stageAs: 'networks/*'       // trained_fold<k>.json and .safetensors of all folds
    path embeddings, stageAs: 'embeddings/*'   // of the trained kind
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'gallery/*.png', emit: pictures
    path 'gallery.parquet', emit: gallery
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def gpu_flag = task.accelerator ? '--use_gpu' : ''
    """
    printf '%s' '${options}' > options.json
    explain_crops.py \\
        --options options.json \\
        --crops crops \\
        --split ${split} \\
        --labels ${labels} \\
        --networks networks \\
        --embeddings embeddings \\
        --threads ${task.cpus} \\
        --out gallery \\
        --table_out gallery.parquet \\
        ${gpu_flag} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir gallery
    touch gallery/examples_1.png gallery/dose_0.png gallery/time_0.png gallery.parquet versions.yml
    """
}
