import { setTimeout as pause } from 'node:timers/promises'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import type { GatewayProcess } from './gateway-process.ts'

const LOOK_MS = 200
const DONE_MS = 240_000

/** A file job as the API shows it. */
export interface FileJob {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly bytes: number
  readonly attempts: number
  readonly error?: { readonly code: string }
  readonly files?: readonly { readonly url?: string; readonly name: string }[]
}

/** One call to the control API of a gateway that may be killed and started again. */
export async function gatewayCall<T>(gateway: GatewayProcess, method: string, path: string, body?: object): Promise<T> {
  const file = await readControlFile(gateway.dataDir)
  if (file === undefined) throw new Error(`the gateway is not running:\n${gateway.log}`)
  const answer = await fetch(`${file.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${file.token.reveal()}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

/** Waits for something to be there. */
export async function waitFor<T>(look: () => Promise<T | undefined>, ms = 120_000): Promise<T> {
  const deadline = Date.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error('it did not happen in time')
    await pause(LOOK_MS)
  }
}

/** Waits until a job is as wanted. */
export async function untilJob(gateway: GatewayProcess, id: string, when: (job: FileJob) => boolean): Promise<FileJob> {
  let last: FileJob | undefined
  try {
    return await waitFor(async () => {
      last = await gatewayCall<FileJob>(gateway, 'GET', `/api/v1/jobs/${id}`)
      return when(last) ? last : undefined
    }, DONE_MS)
  } catch (cause) {
    throw new Error(`the job stands at ${JSON.stringify(last)}\n${gateway.log}`, { cause })
  }
}
