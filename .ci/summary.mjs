// Adds up the suites' reports and prints the closing line.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
const total = { passed: 0, failed: 0, skipped: 0 }
for (const entry of readdirSync(folder, { withFileTypes: true })) {
  if (!entry.isFile()) continue // a step may keep a data folder beside its report
  const file = entry.name
  const text = readFileSync(join(folder, file), 'utf8')
  if (file.endsWith('.json')) {
    const report = JSON.parse(text)
    total.passed += report.numPassedTests
    total.failed += report.numFailedTests
    total.skipped += report.numPendingTests + (report.numTodoTests ?? 0)
  } else if (file.endsWith('.log')) {
    const line = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1)
    if (line) {
      total.passed += Number(line[1])
      total.failed += Number(line[2])
      total.skipped += Number(line[3] ?? 0)
    }
  }
}
const steps = join(folder, 'failed-steps')
if (existsSync(steps)) {
  const names = readFileSync(steps, 'utf8').trim().split('\n')
  console.log(`failed steps: ${names.join(', ')}`)
  // A step can fail without a failed test (lint, build, a crash): it must show in the closing line too.
  if (total.failed === 0) total.failed = names.length
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
