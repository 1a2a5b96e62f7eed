process ANNOTATE_CELLS {
    tag "${meta.acquisition}"
    label 'process_low'

    input:
    tuple val(meta), path(measurements, stageAs: 'measurements/*'), path(masks, stageAs: 'masks/*'), path(qc, stageAs: 'qc/*'), path(death)   // death: [] without death markers
    path plate_map
    val code

    output:
    tuple val(meta), path('cells/*.parquet'), emit: cells
    path "images/${meta.acquisition}.parquet", emit: images
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    annotate_cells.py \\
        --measurements measurements \\
        --masks masks \\
        --qc qc \\
        ${death ? "--death ${death}" : ''} \\
        --plate_map ${plate_map} \\
        --cells_out cells \\
        --images_out images/${meta.acquisition}.parquet \\
        ${args}
    versions.py --process ${task.process} pyarrow > versions.yml
    """

    stub:
    """
    mkdir cells images
    for file in measurements/*; do touch cells/\$(basename \$file); done
    touch images/${meta.acquisition}.parquet versions.yml
    """
}
