/** An answer `{ok: false}` of the Bot API. */
export class ApiError extends Error {
  readonly status: number
  readonly parameters: { retry_after?: number; migrate_to_chat_id?: number } | undefined

  constructor(status: number, description: string, parameters?: { retry_after?: number; migrate_to_chat_id?: number }) {
    super(description)
    this.status = status
    this.parameters = parameters
  }

  body(): object {
    const { status: error_code, message: description, parameters } = this
    return parameters ? { ok: false, error_code, description, parameters } : { ok: false, error_code, description }
  }
}

export const badRequest = (what: string): ApiError => new ApiError(400, `Bad Request: ${what}`)
export const forbidden = (what: string): ApiError => new ApiError(403, `Forbidden: ${what}`)
export const tooManyRequests = (seconds: number): ApiError =>
  new ApiError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds })
