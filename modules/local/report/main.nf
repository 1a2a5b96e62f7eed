process REPORT {
    label 'process_medium'

    input:
    path design
    path faults
    path plate_map
    path wells
    path conditions
    path responses
    path curves
    path onsets
    path orders
    path images, stageAs: 'images/*'
    path projected, stageAs: 'projected/*'           // their focus.parquet
    path illumination, stageAs: 'illumination/*'   // [] where it was not estimated
    path gates, stageAs: 'gates/*'                 // [] without death markers
    path gate_plots, stageAs: 'gate_plots/*'
    path masks, stageAs: 'masks/*'
    path deep, stageAs: 'deep/*'                   // [] where the deep half did not run
    val run                                        // JSON: pipeline, versions, parameters, steps left out
    val versions                                   // JSON: process, package, version
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'report/report.html', emit: report
    path 'report/figures', emit: figures

    script:
    def args = task.ext.args ?: ''
    def run_json = run.replace("'", '\\u0027')
    """
    printf '%s' '${run_json}' > run.json
    printf '%s' '${versions}' > versions.json
    printf '%s' '${options}' > options.json
    report.py \\
        --options options.json \\
        --design ${design} --faults ${faults} --plate_map ${plate_map} \\
        --wells ${wells} --conditions ${conditions} \\
        --responses ${responses} --curves ${curves} --onsets ${onsets} --orders ${orders} \\
        --images images --focus projected \\
        ${illumination ? '--illumination illumination' : ''} \\
        ${gates ? '--gates gates --gate_plots gate_plots' : ''} \\
        --masks masks \\
        ${deep ? '--deep deep' : ''} \\
        ${deep.any { table -> table.toString().endsWith('diameters.parquet') } ? '--diameters deep/diameters.parquet' : ''} \\
        ${deep.any { table -> table.toString().endsWith('positions.parquet') } ? '--hits deep/hits.parquet --positions deep/positions.parquet --growth deep/growth.parquet --comparisons deep/comparisons.parquet --departures deep/departures.parquet' : ''} \\
        --run run.json --versions versions.json \\
        --out report \\
        ${args}
    """

    stub:
    """
    mkdir -p report/figures
    touch report/report.html
    """
}
