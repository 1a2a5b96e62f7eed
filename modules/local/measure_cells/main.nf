process MEASURE_CELLS {
    tag "${shard.name}"
    label 'process_low'

    input:
    tuple val(shard), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shard), path('*.parquet', arity: '1..*'), emit: measurements
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(shard.wells)}' > wells.json
    printf '%s' '${options}' > options.json
    measure_cells.py \\
        --options options.json \\
        --keys wells.json \\
        --images images \\
        --masks masks \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch ${shard.wells.collect { well -> "${well.id}.parquet" }.join(' ')} versions.yml
    """
}
