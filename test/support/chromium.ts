import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The system's chromium; undefined when there is none. CHROMIUM_PATH names another one. */
export function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM_PATH, ...PATHS].find((path) => path !== undefined && existsSync(path))
}

/** Starts it without the services that want to talk to the outside. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error('no chromium: install the package chromium, or set CHROMIUM_PATH')
  const args = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox', ...args] : args })
}

/** In continuous integration a missing browser is a failure, elsewhere a skipped test with a clear line. */
export function skipWithoutChromium(): boolean {
  if (chromiumPath() !== undefined || process.env.CI === 'true') return false
  console.warn('skipped: browser tests need chromium (install it, or set CHROMIUM_PATH)')
  return true
}
