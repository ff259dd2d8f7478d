// Adds lock-file entries for optional platform packages that the registry in use does not carry.
// npm writes a lock file without them and `npm ci` then refuses it ("Missing: … from lock file");
// entries without `resolved` are valid: npm skips them on other platforms and finds them on theirs.
// Run after every dependency change; `--check` only reports (used by `npm run lint`).
import { readFileSync, writeFileSync } from 'node:fs'

const OS = ['linux', 'darwin', 'win32', 'android', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'aix', 'openharmony']
const CPU = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el']

/** @param {string} tail @param {string} word */
const has = (tail, word) => new RegExp(`(^|-)${word}(-|$)`).test(tail)

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const missing = []
for (const [path, pkg] of Object.entries({ ...lock.packages })) {
  for (const [name, range] of Object.entries(pkg.optionalDependencies ?? {})) {
    const top = `node_modules/${name}`
    if (lock.packages[top] ?? lock.packages[`${path}/${top}`]) continue
    const tail = name.split('/').pop()
    const os = OS.find((o) => has(tail, o))
    const cpu = CPU.find((c) => has(tail, c))
    if (!os) continue
    const libc = tail.includes('musl') ? ['musl'] : tail.includes('gnu') && os === 'linux' ? ['glibc'] : undefined
    lock.packages[top] = {
      version: range.replace(/^\D*/, ''),
      ...(pkg.dev && { dev: true }),
      optional: true,
      os: [os],
      ...(cpu && { cpu: [cpu] }),
      ...(libc && { libc }),
    }
    missing.push(name)
  }
}
// A `resolved` address would tie the lock file to one registry host.
let hosts = 0
for (const pkg of Object.values(lock.packages)) {
  if (typeof pkg.resolved === 'string') {
    delete pkg.resolved
    hosts++
  }
}
if (process.argv.includes('--check')) {
  if (missing.length > 0 || hosts > 0) {
    console.error(`package-lock.json is incomplete (${missing.length} platform packages, ${hosts} addresses): run "npm run lock"`)
    process.exit(1)
  }
} else {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${missing.length} platform packages added, ${hosts} addresses removed`)
}
