process CALL_DEATH {
    tag "${meta.acquisition}"
    label 'process_low'

    input:
    tuple val(meta), path(measurements, stageAs: 'measurements/*'), path(qc, stageAs: 'qc/*')   // all wells of one acquisition
    path plate_map
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(meta), path("${meta.acquisition}_death.parquet"), emit: death
    path "${meta.acquisition}_gates.parquet", emit: gates
    path "${meta.acquisition}_gates.png", emit: plot
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    call_death.py \\
        --options options.json \\
        --measurements measurements \\
        --qc qc \\
        --plate_map ${plate_map} \\
        --out_prefix ${meta.acquisition} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch ${meta.acquisition}_death.parquet ${meta.acquisition}_gates.{parquet,png} versions.yml
    """
}
