import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir, setPriority } from 'node:os'
import { join, resolve } from 'node:path'

const CRATE = resolve(import.meta.dirname, '../peer')
/** A cold build takes minutes; niceness keeps the machine usable meanwhile. */
const NICE = 5

/** Where cargo keeps its output: outside the clone, so that a fresh clone does not build everything again. */
export function targetFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.K2_INTEROP_TARGET
  if (own !== undefined && own !== '') return resolve(own)
  const cache = env.XDG_CACHE_HOME
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'k2gw-interop', 'target')
}

export type Build =
  | { readonly status: 'built'; readonly binary: string; readonly seconds: number }
  | { readonly status: 'no-cargo' }
  | { readonly status: 'failed'; readonly output: string }

interface Ran {
  readonly code: number | null
  readonly output: string
}

/** Output kept of a build, in characters; the last ones tell what went wrong. */
const OUTPUT_MAX = 20_000

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<Ran | undefined> {
  return new Promise((done) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (data: Buffer): void => {
      const text = data.toString()
      output = (output + text).slice(-OUTPUT_MAX)
      for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trimEnd())
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('spawn', () => {
      try {
        if (child.pid !== undefined) setPriority(child.pid, NICE)
      } catch {
        // Lower priority is a courtesy only.
      }
    })
    child.on('error', () => done(undefined))
    child.on('close', (code) => done({ code, output }))
  })
}

/** Where rustup puts cargo when nobody has put it on the path. */
const cargoHome = (env: NodeJS.ProcessEnv): string => join(env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin', 'cargo')

async function findCargo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const command of ['cargo', cargoHome(env)]) {
    const version = await run(command, ['--version'], env, () => {})
    if (version?.code === 0) return command
  }
  return undefined
}

/** Builds the Rust peer, or finds it built. Cargo decides; an up-to-date binary costs under a second. */
export async function buildPeer(onLine: (line: string) => void = () => {}): Promise<Build> {
  const begun = performance.now()
  const target = targetFolder()
  const env = { ...process.env, CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never' }
  const cargo = await findCargo(env)
  if (cargo === undefined) return { status: 'no-cargo' }
  const built = await run(cargo, ['build', '--release', '--locked', '--manifest-path', join(CRATE, 'Cargo.toml')], env, onLine)
  const binary = join(target, 'release', process.platform === 'win32' ? 'k2-interop-peer.exe' : 'k2-interop-peer')
  if (built?.code !== 0 || !existsSync(binary)) return { status: 'failed', output: built?.output ?? '' }
  return { status: 'built', binary, seconds: (performance.now() - begun) / 1000 }
}
