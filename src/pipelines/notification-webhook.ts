import type { Notice } from '../domains/social/notification-notice.ts';
import { KitError } from '../kit/errors.ts';
import type { NotificationSink } from './notification-delivery.ts';

const TIMEOUT_MS = 5_000;
/** Too early, too many, too slow: the same request may succeed later. So may any that a server fails at. */
const LATER = new Set([408, 425, 429]);

/** POSTs each notice as JSON; the header `idempotency-key` is its id. */
export class NotificationWebhook implements NotificationSink {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor(url: string, { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {}) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws KitError SINK_UNAVAILABLE, NOTICE_REFUSED */
  async deliver(notice: Notice): Promise<void> {
    const status = await this.#post(notice);
    if (status >= 200 && status < 300) return;
    if (status >= 500 || LATER.has(status)) throw unavailable(`answered ${status}`);
    throw new KitError('NOTICE_REFUSED', `the webhook refused notice ${notice.id} with status ${status}`, {
      details: { notice: notice.id, status },
    });
  }

  async #post(notice: Notice): Promise<number> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': notice.id },
        body: JSON.stringify(notice),
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      await response.body?.cancel();
      return response.status;
    } catch (cause) {
      throw unavailable('does not answer', cause);
    }
  }
}

function unavailable(why: string, cause?: unknown): KitError {
  return new KitError('SINK_UNAVAILABLE', `the webhook of notifications ${why}`, { cause, retriable: true });
}
