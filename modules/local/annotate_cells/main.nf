process ANNOTATE_CELLS {
    tag "${meta.acquisition}"
    label 'process_low'

    input:
    tuple val(meta), path(measurements, stageAs: 'measurements/*'), path(masks, stageAs: 'masks/*'), path(qc, stageAs: 'qc/*'), path(death)   // death: [] without death markers
    path plate_map
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(meta), path('cells/*.parquet'), emit: cells
    path "images/${meta.acquisition}.parquet", emit: images
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    annotate_cells.py \\
        --options options.json \\
        --measurements measurements \\
        --masks masks \\
        --qc qc \\
        ${death ? "--death ${death}" : ''} \\
        --plate_map ${plate_map} \\
        --cells_out cells \\
        --images_out images/${meta.acquisition}.parquet \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir cells images
    for file in measurements/*; do touch cells/\$(basename \$file); done
    touch images/${meta.acquisition}.parquet versions.yml
    """
}
