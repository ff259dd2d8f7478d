// A worker in a process of its own, to be killed in the middle of a job: argv is the target as JSON and the queue's name.
import { openTarget, type Target } from './target.ts'

const [targetText, queue] = process.argv.slice(2) as [string, string]
const { backend } = await openTarget(JSON.parse(targetText) as Target)
const worker = backend.createWorker<{ n: number }>(
  queue,
  (job) => {
    process.stdout.write(`started ${job.data.n}\n`)
    return new Promise(() => {})
  },
  { lockDuration: 1500, stalledInterval: 1000 },
)
worker.on('error', (error) => process.stderr.write(`${error.message}\n`))
