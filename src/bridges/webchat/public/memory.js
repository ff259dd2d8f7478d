/** What the page remembers: between visits where the browser allows it, else while it is open. */

const memory = new Map()
const forgetful = { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => memory.set(key, value) }

export function remembered(key) {
  try {
    return localStorage.getItem(key) ?? undefined
  } catch {
    // Storage is forbidden: nothing is remembered between visits.
    return undefined
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value)
  } catch {
    // As above.
  }
}

/** Storage that lasts as long as the tab. */
export function tabStorage() {
  try {
    return sessionStorage
  } catch {
    return forgetful
  }
}
