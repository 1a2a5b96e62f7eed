process REPORT {
    label 'process_medium'

    input:
    path tables, stageAs: 'tables/*'   // of check_design, profile_wells and fit_responses
    path images, stageAs: 'images/*'
    path focus, stageAs: 'focus/?????/*'
    path illumination, stageAs: 'illumination/*'   // [] where it was not estimated
    path gates, stageAs: 'gates/*'                 // tables and plots, [] without death markers
    path further, stageAs: 'further/*'             // further tables, those of networks among them
    path pictures, stageAs: 'pictures/*'           // images, masks and overlays of the fields that are shown
    val choose                                     // true: say only which these are
    val run                                        // JSON: pipeline, versions, parameters, steps left out
    val versions                                   // JSON: process, package, version
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'report/fields.json', optional: true, emit: shown
    path 'report/report.html', optional: true, emit: report
    path 'report/figures', optional: true, emit: figures

    script:
    def args = task.ext.args ?: ''
    def run_json = run.replace("'", '\\u0027')
    """
    printf '%s' '${run_json}' > run.json
    printf '%s' '${versions}' > versions.json
    printf '%s' '${options}' > options.json
    report.py \\
        --options options.json \\
        --design tables/design.json --faults tables/design_faults.parquet \\
        --wells tables/wells.parquet --conditions tables/conditions.parquet \\
        --responses tables/responses.parquet --curves tables/curves.parquet \\
        --onsets tables/onsets.parquet --orders tables/orders.parquet \\
        --images images --focus focus \\
        ${illumination ? '--illumination illumination' : ''} \\
        ${gates ? '--gates gates --gate_plots gates' : ''} \\
        ${pictures ? '--focus pictures --masks pictures' : ''} \\
        ${choose ? '--choose' : ''} \\
        ${further ? '--further further' : ''} \\
        --run run.json --versions versions.json \\
        --out report \\
        ${args}
    """

    stub:
    """
    mkdir -p report/figures
    ${choose ? "echo '{}' > report/fields.json" : 'touch report/report.html'}
    """
}
