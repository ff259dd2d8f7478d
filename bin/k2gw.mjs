#!/usr/bin/env node
// Starts the gateway: from `dist` in an installed package, in a clone from a build of its sources that is made when they changed.
import { existsSync } from 'node:fs'

const { main } = await program()
process.exitCode = await main(process.argv.slice(2))
// A library may still try to reach a server that is gone; by now everything of ours is stopped.
setTimeout(() => process.exit(), 1_000).unref()

async function program() {
  if (!existsSync(new URL('../src/gateway/main.ts', import.meta.url))) return import('../dist/gateway/main.js')
  if (process.env.K2_FROM_SOURCE !== '1') {
    try {
      const { currentBuild } = await import('../scripts/build.mjs')
      const { pathToFileURL } = await import('node:url')
      return await import(`${pathToFileURL(await currentBuild())}/gateway/main.js`)
    } catch (error) {
      // A folder that cannot be written to: slower, but it runs.
      if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(error?.code)) throw error
    }
  }
  const { register } = await import('tsx/esm/api')
  register()
  return import('../src/gateway/main.ts')
}
