#!/usr/bin/env node
// Starts the built gateway when there is a build, otherwise the TypeScript sources.
import { existsSync } from 'node:fs'

const built = new URL('../dist/gateway/main.js', import.meta.url)
let main
if (existsSync(built) && process.env.K2_FROM_SOURCE !== '1') {
  main = await import(built.href)
} else {
  const { register } = await import('tsx/esm/api')
  register()
  main = await import('../src/gateway/main.ts')
}
process.exitCode = await main.main(process.argv.slice(2))
// A library may still try to reach a server that is gone; by now everything of ours is stopped.
setTimeout(() => process.exit(), 1_000).unref()
