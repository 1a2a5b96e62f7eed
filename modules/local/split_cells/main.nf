process SPLIT_CELLS {
    label 'process_medium'

    input:
    path crops, stageAs: 'crops/*'
    path images, stageAs: 'images/*'
    path plate_map
    val code

    output:
    path 'split.parquet', emit: split
    path 'labels.json', emit: labels
    path 'leakage.parquet', emit: leakage
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    split_cells.py \\
        --crops crops \\
        --images images \\
        --plate_map ${plate_map} \\
        --out split.parquet \\
        --labels_out labels.json \\
        --leakage_out leakage.parquet \\
        ${args}
    versions.py --process ${task.process} numpy pandas pyarrow > versions.yml
    """

    stub:
    """
    echo '{"folds": 1}' > labels.json
    touch split.parquet leakage.parquet versions.yml
    """
}
