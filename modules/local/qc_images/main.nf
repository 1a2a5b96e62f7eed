process QC_IMAGES {
    tag "${shard.name}"
    label 'process_single'

    input:
    // diameters on its plate in px: [cells: …, nuclei: …], 0 where not known
    tuple val(shard), path(images, stageAs: 'images/*'), val(diameters)
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shard), path('*_qc.parquet', arity: '1..*'), emit: qc
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(shard.wells)}' > wells.json
    printf '%s' '${options}' > options.json
    qc_images.py \\
        --options options.json \\
        --keys wells.json \\
        --images images \\
        --diameter ${diameters.cells} \\
        --nuclear_diameter ${diameters.nuclei} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch ${shard.wells.collect { well -> "${well.id}_qc.parquet" }.join(' ')} versions.yml
    """
}
