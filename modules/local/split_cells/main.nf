process SPLIT_CELLS {
    label 'process_medium'

    input:
    path crops, stageAs: 'crops/*'
    path images, stageAs: 'images/*'
    path plate_map
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'split.parquet', emit: split
    path 'labels.json', emit: labels
    path 'leakage.parquet', emit: leakage
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    split_cells.py \\
        --options options.json \\
        --crops crops \\
        --images images \\
        --plate_map ${plate_map} \\
        --out split.parquet \\
        --labels_out labels.json \\
        --leakage_out leakage.parquet \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    echo '{"folds": 1}' > labels.json
    touch split.parquet leakage.parquet versions.yml
    """
}
