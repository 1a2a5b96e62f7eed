process PROFILE_WELLS {
    label 'process_medium'

    input:
    path cells, stageAs: 'cells/*'
    path images, stageAs: 'images/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'wells.parquet', emit: wells
    path 'conditions.parquet', emit: conditions
    path '*.csv', emit: spreadsheets
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    profile_wells.py \\
        --options options.json \\
        --cells cells \\
        --images images \\
        --out wells.parquet \\
        --conditions_out conditions.parquet \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch {wells,conditions}.{parquet,csv} versions.yml
    """
}
