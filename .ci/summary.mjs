// Adds up the suites' reports; prints what failed, and why, just before the closing line: readers see the end of a log first.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const folder = process.argv[2]
const MAX_CASES = 20
const MAX_REASON_LINES = 12
const failures = []
const secondTries = []
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
    for (const suite of report.testResults) {
      failures.push(...failuresOf(suite))
      secondTries.push(...secondTriesOf(suite))
    }
  } else if (file.endsWith('.log')) {
    const line = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1)
    if (line) {
      total.passed += Number(line[1])
      total.failed += Number(line[2])
      total.skipped += Number(line[3] ?? 0)
    }
  }
}
tell('passed at the second try', secondTries)
tell('failed', failures)
const steps = join(folder, 'failed-steps')
if (existsSync(steps)) {
  const names = readFileSync(steps, 'utf8').trim().split('\n')
  console.log(`failed steps: ${names.join(', ')}`)
  // A step can fail without a failed test (lint, build, a crash): it must show in the closing line too.
  if (total.failed === 0) total.failed = names.length
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1

function tell(what, cases) {
  for (const { name, reason } of cases.slice(0, MAX_CASES)) {
    console.log(`${what}: ${name}`)
    const lines = reason.split('\n').filter((line) => !line.includes('/node_modules/'))
    for (const line of lines.slice(0, MAX_REASON_LINES)) console.log(`    ${line.slice(0, 300)}`)
  }
  if (cases.length > MAX_CASES) console.log(`and ${cases.length - MAX_CASES} more: ${what}`)
}

function nameOf(suite) {
  return relative(process.cwd(), suite.name)
}

function casesOf(suite, tests) {
  return tests.map(({ fullName, failureMessages }) => ({
    name: `${nameOf(suite)} > ${fullName}`,
    reason: failureMessages.join('\n'),
  }))
}

/** A test that passed with messages had failed before. */
function secondTriesOf(suite) {
  return casesOf(
    suite,
    suite.assertionResults.filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0),
  )
}

function failuresOf(suite) {
  const failed = suite.assertionResults.filter(({ status }) => status === 'failed')
  if (failed.length > 0) return casesOf(suite, failed)
  // A file that could not be loaded, or whose hooks failed, has a message and no failed test.
  return suite.status === 'failed' ? [{ name: nameOf(suite), reason: suite.message }] : []
}
