process FIT_RESPONSES {
    label 'process_medium'

    input:
    path wells
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'responses.parquet', emit: responses
    path 'curves.parquet', emit: curves
    path 'points.parquet', emit: points
    path 'onsets.parquet', emit: onsets
    path 'orders.parquet', emit: orders
    path 'zprime.parquet', emit: zprime
    path 'hits.parquet', emit: hits
    path 'positions.parquet', emit: positions
    path 'growth.parquet', emit: growth
    path 'comparisons.parquet', emit: comparisons
    path 'departures.parquet', emit: departures
    path '*.csv', emit: spreadsheets
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    fit_responses.py \\
        --options options.json \\
        --wells ${wells} \\
        --out . \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch {responses,curves,points,onsets,orders,zprime,hits,positions,growth,comparisons,departures}.parquet {responses,hits}.csv versions.yml
    """
}
