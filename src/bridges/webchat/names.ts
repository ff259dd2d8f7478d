import { cutUnits, sanitizeName } from '../format/sanitize.ts'
import { MAX_NAME, type WirePerson } from './protocol.ts'

/** A name as it is shown. One that somebody else who is here uses gets the beginning of the key behind it. */
export function freeName(wanted: string, key: string, here: readonly (WirePerson | undefined)[]): string {
  const name = cutUnits(sanitizeName(wanted, MAX_NAME), MAX_NAME - 6).trim() || 'Guest'
  const folded = name.normalize('NFKC').toLowerCase()
  const taken = here.some((person) => person && person.key !== key && person.name.normalize('NFKC').toLowerCase() === folded)
  return taken ? `${name} #${key.slice(-4)}` : name
}
