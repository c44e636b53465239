/** The same page on Kafka and Redis. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browserForTests, noBrowser } from '../support/browser.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { type LiveKafka, launchOnKafka } from '../support/live-kafka.ts';
import { missing } from '../support/requirements.ts';

const skip = noBrowser || (missing(...KAFKA_COMPONENTS, 'redis-server') ?? false);

describe('the journey of an event on Kafka', { skip }, () => {
  const browser = browserForTests();
  let kafka: LiveKafka;
  before(async () => {
    kafka = await launchOnKafka(`journey-page-${Date.now()}`, 10);
  });
  after(() => kafka?.[Symbol.asyncDispose]());

  test('is found by its content, and followed to every effect', async (t) => {
    const { live } = kafka;
    const content_id = `journey-${Date.now()}`;
    const event = { event_type: 'post_liked', user_id: 'alice', content_id, timestamp: new Date().toISOString() };
    const { event_id } = await live.platform.publisher.publish(event);
    const { page } = await browser.open(t, `${live.url}/journey/${event_id}`);
    await page.locator('[data-figure="journey-state"]', { hasText: 'COMMITTED' }).waitFor();
    for (const handler of ['engagement', 'notifications', 'analytics'])
      await page.locator(`[data-lane="${handler}"]`, { hasText: 'COMMITTED' }).waitFor();
    const applied = page.getByRole('button', { name: /: applied, \+/ });
    await applied.nth(2).waitFor();
    assert.equal(await applied.count(), 3, 'each handler knows when');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search or command' }).waitFor();
    await page.keyboard.type(content_id);
    await page.getByRole('option', { name: new RegExp(`^${content_id} 1 like,`) }).waitFor();
  });
});
