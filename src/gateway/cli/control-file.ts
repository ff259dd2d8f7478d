import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { errorCode, K2Error } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { writeStateFile } from '../state-file.ts'

/** How the command line finds a running gateway: address and admin token, readable by the owner only. */
const schema = z.object({ url: z.string(), token: z.string(), pid: z.int() })

export interface ControlFile {
  readonly url: string
  readonly token: Secret
  readonly pid: number
}

const pathIn = (dataDir: string): string => join(dataDir, 'control.json')

export function randomToken(): Secret {
  return new Secret(randomBytes(24).toString('base64url'))
}

export async function writeControlFile(dataDir: string, file: ControlFile): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const path = pathIn(dataDir)
  const text = JSON.stringify({ url: file.url, token: file.token.reveal(), pid: file.pid })
  await writeStateFile(path, text)
}

export async function removeControlFile(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true })
}

/** Undefined when no gateway of this data directory is running. A file left by a crashed one does not count. */
export async function readControlFile(dataDir: string): Promise<ControlFile | undefined> {
  let text: string
  try {
    text = await readFile(pathIn(dataDir), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new K2Error({
      code: 'CLI_CONTROL_FILE',
      kind: 'denied',
      message: `cannot read ${pathIn(dataDir)} (${errorCode(error)}): run this as the gateway's own user`,
      cause: error,
    })
  }
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success || !isRunning(parsed.data.pid)) return undefined
  return { ...parsed.data, token: new Secret(parsed.data.token) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A torn file is the same as none: the gateway writes it anew at its next start.
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}
