/** Events for a platform that runs, over its HTTP API. */
import assert from 'node:assert/strict';

/** Likes of `post_0`, `post_1` and so on, in turns, by as many users as there are events; resolves when all are in the log. */
export async function publishEvents(url: string, count: number, contents = 10): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({
    event_type: 'post_liked',
    user_id: `u_${i}`,
    content_id: `post_${i % contents}`,
    timestamp: new Date().toISOString(),
  }));
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  const { results } = (await response.json()) as { results: { status: number }[] };
  assert.deepEqual([...new Set(results.map(({ status }) => status))], [201]);
}
