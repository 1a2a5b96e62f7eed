process ESTIMATE_COST {
    label 'process_single'

    input:
    path design                              // design.json of check_design
    path rates
    path results, stageAs: 'earlier'   // results of an earlier run, whose rates are taken instead; or []
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'cost.txt', emit: text
    path 'cost.json', emit: cost
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def earlier = results ? '--results earlier' : ''
    """
    printf '%s' '${options}' > options.json
    dry_run.py \\
        --options options.json \\
        --design ${design} \\
        --rates ${rates} \\
        --out cost.json \\
        ${earlier} \\
        ${args} \\
        > cost.txt
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    echo 'Nothing of the screen was processed.' > cost.txt
    touch cost.json versions.yml
    """
}
