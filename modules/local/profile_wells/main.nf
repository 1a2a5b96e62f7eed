process PROFILE_WELLS {
    label 'process_medium'

    input:
    path cells, stageAs: 'cells/*'
    path images, stageAs: 'images/*'
    val code

    output:
    path 'wells.parquet', emit: wells
    path 'conditions.parquet', emit: conditions
    path '*.csv', emit: spreadsheets
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    profile_wells.py \\
        --cells cells \\
        --images images \\
        --out wells.parquet \\
        --conditions_out conditions.parquet \\
        ${args}
    versions.py --process ${task.process} numpy scipy pandas > versions.yml
    """

    stub:
    """
    touch {wells,conditions}.{parquet,csv} versions.yml
    """
}
