process CROP_CELLS {
    tag "${shard.name}"
    label 'process_low'

    input:
    tuple val(shard), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shard), path('*.arrow', arity: '1..*'), path('*_crops.parquet', arity: '1..*'), emit: crops
    path "tiff/*", optional: true, emit: tiffs   // with --export_crops
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(shard.wells)}' > wells.json
    printf '%s' '${options}' > options.json
    crop_cells.py \\
        --options options.json \\
        --keys wells.json \\
        --images images \\
        --masks masks \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    for id in ${shard.wells*.id.join(' ')}; do
        touch \$id.arrow \${id}_crops.parquet
    done
    touch versions.yml
    """
}
