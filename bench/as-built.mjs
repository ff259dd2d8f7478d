// Loads TypeScript as a build has it: tsx marks every function with its name when it is made, which costs more than most functions.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { asJavaScript } from '../scripts/as-javascript.mjs'

/** The hook itself runs in a thread of its own. */
if (isMainThread) register(import.meta.url)

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const sourcefile = fileURLToPath(url)
  const code = await asJavaScript(await readFile(sourcefile, 'utf8'), sourcefile)
  return { format: 'module', source: code, shortCircuit: true }
}
