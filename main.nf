#!/usr/bin/env nextflow
// morphodose: what each dose did to the cells of a drug screen, when, and how sure one can be.

include { DRY_RUN                       } from './workflows/dry_run'
include { MORPHODOSE                    } from './workflows/morphodose'
include { checkEnvironment              } from './lib/environment'
include { helpText ; validateParameters } from './lib/parameters'
include { beginRun ; endRun ; saidByTask } from './lib/manifest'

workflow {
    def schema = file("${projectDir}/nextflow_schema.json")
    if (params.help) {
        println(helpText(schema, params))
        System.exit(0)
    }
    validateParameters(params, schema)

    def samplesheet = file(params.input, glob: false)
    def plate_map = params.plate_map ? file(params.plate_map, glob: false) : samplesheet.resolveSibling('platemap.csv')
    if (!plate_map.exists()) {
        error("there is no plate map: ${plate_map} does not exist; give it by --plate_map")
    }

    checkEnvironment(params)
    // not in the declaration: the parser of 24.10 takes a bare `params` there for a second variable of that name
    def run = [:]
    run.putAll(beginRun(params, samplesheet))
    // the handler itself sees no parameters
    def about = workflow
    def use_gpu = params.use_gpu
    def several = [TRAIN_RESNET: [devices: params.training_gpus as Integer, nodes: params.training_nodes as Integer]]
    workflow.onComplete {
        endRun(run, about.success, use_gpu, several)
        // last, so that it is what the user reads: Nextflow has printed it above, in the middle of a long command
        def said = about.success ? null : saidByTask(about.errorReport)
        if (said) {
            log.error(said)
        }
    }
    if (params.dry_run) {
        DRY_RUN(samplesheet, plate_map, params)
    }
    else {
        MORPHODOSE(samplesheet, plate_map, params)
        MORPHODOSE.out.software.subscribe { json -> run.versions = new groovy.json.JsonSlurper().parseText(json) }
    }
}
