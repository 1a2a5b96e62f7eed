// Jobs that a scheduler ends, under the project's own resources and scheduler configuration.

include { TRAIN_RESNET } from '../../../modules/local/train_resnet/main'

// cancelled by the test, at its first attempt, by the name of its job
process CANCELLED {
    label 'process_single'

    output:
    path 'said.txt'

    script:
    """
    if [ ${task.attempt} = 1 ]; then sleep 600; fi
    echo "CANCELLED attempt=${task.attempt} job=\$SLURM_JOB_ID" > said.txt
    """
}

// needs three quarters of a gigabyte, and gets half of one at its first attempt
process OVER_MEMORY {
    label 'process_single'

    output:
    path 'said.txt'

    script:
    """
    python3 -c 'import time; block = bytearray(768 << 20); block[::4096] = b"x" * len(block[::4096]); time.sleep(8)'
    echo "OVER_MEMORY attempt=${task.attempt} memory=${task.memory.toMega()}" > said.txt
    """
}

// needs 70 s, and gets 60 at its first attempt
process OVER_TIME {
    label 'process_single'

    output:
    path 'said.txt'

    script:
    """
    sleep ${task.attempt == 1 ? 200 : 5}
    echo "OVER_TIME attempt=${task.attempt} time=${task.time}" > said.txt
    """
}

process ON_GPU {
    label 'process_gpu'
    accelerator 1
    cpus 1

    output:
    path 'said.txt'

    script:
    """
    echo "ON_GPU devices=\${CUDA_VISIBLE_DEVICES:-none} image=\$(cat /etc/morphodose-image 2>/dev/null || echo none)" > said.txt
    """
}

workflow {
    def chosen = params.only.tokenize(',')
    def said = channel.empty()
    if ('CANCELLED' in chosen) {
        said = said.mix(CANCELLED())
    }
    if ('OVER_MEMORY' in chosen) {
        said = said.mix(OVER_MEMORY())
    }
    if ('OVER_TIME' in chosen) {
        said = said.mix(OVER_TIME())
    }
    if ('ON_GPU' in chosen) {
        said = said.mix(ON_GPU())
    }
    if ('TRAIN_RESNET' in chosen) {
        def screen = file(params.screen)
        TRAIN_RESNET(
            [id: 'trained_fold0', kind: 'trained', fold: 0],
            files("${screen}/crops/*"),
            screen.resolve('split.parquet'),
            screen.resolve('labels.json'),
            workflow.workDir.resolve('checkpoints').toString(),   // as the pipeline: a folder that its image sees
            'test'
        )
    }
    said.map { file -> file.text }.collectFile(name: 'said.txt', storeDir: params.outdir, sort: true)
}
