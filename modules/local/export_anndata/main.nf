process EXPORT_ANNDATA {
    label 'process_medium'

    input:
    path cells, stageAs: 'cells/*'
    path wells
    path reduced, stageAs: 'reduced/*'     // folders classical, deep, joint; [] without
    path profiles, stageAs: 'profiles/*'   // [] without
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'cells.h5ad', emit: cells
    path 'wells.h5ad', emit: wells
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    export_anndata.py \\
        --options options.json \\
        --cells cells \\
        --wells ${wells} \\
        ${reduced ? '--reduced reduced' : ''} \\
        ${profiles ? '--profiles profiles' : ''} \\
        --out . \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch cells.h5ad wells.h5ad versions.yml
    """
}
