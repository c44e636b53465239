import { isKitError, KitError } from '../../kit/errors.ts';
import { readBatchHeader } from '../../kit/log/embedded/batch-header.ts';
import { checkWireBatch, compressionOf } from '../../kit/log/embedded/wire-batch.ts';
import { type Broker, handler } from '../handler.ts';
import { ownBytes } from '../own-bytes.ts';
import { ERROR, errorCodeOf, errorMessageOf } from '../protocol/error-codes.ts';
import type { RequestOf, ResponseOf } from '../protocol/layout.ts';
import { produce as api } from '../protocol/messages/produce.ts';

type TopicData = RequestOf<typeof api>['topicData'][number];
type PartitionData = TopicData['partitionData'][number];
type PartitionResponse = ResponseOf<typeof api>['responses'][number]['partitionResponses'][number];

const ALL = -1;
const ZSTD = 4;
const FIRST_ZSTD_VERSION = 7;
const MAX_RECORD_ERRORS = 1_000;

/** Every batch is handed to the log before anything is awaited, so that the batches of a connection keep their order. */
export const produce = handler(api, async ({ acks, transactionalId, topicData }, { version }, broker) => {
  const refused =
    transactionalId !== null ? ERROR.INVALID_REQUEST : acks < ALL || acks > 1 ? ERROR.INVALID_REQUIRED_ACKS : null;
  const circumstances = { version, broker, refused, copies: wastesMemory(topicData) };
  const responses = await Promise.all(
    topicData.map(async (topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: await Promise.all(
        topic.partitionData.map((partition) => append(topic, partition, circumstances)),
      ),
    })),
  );
  if (acks !== 0) return { responses };
  const failure = responses
    .flatMap((each) => each.partitionResponses)
    .find(({ errorCode }) => errorCode !== ERROR.NONE);
  // Without an answer, the end of the connection is what tells the producer that its metadata is out of date.
  if (failure !== undefined)
    throw new KitError('UNACKNOWLEDGED_FAILURE', `Records sent with acks=0 were refused: ${failure.errorMessage}`);
  return null;
});

interface Circumstances {
  readonly version: number;
  readonly broker: Broker;
  /** The error that nothing gets past which could be appended otherwise. */
  readonly refused: number | null;
  /** Whether the log gets memory of its own for each batch. */
  readonly copies: boolean;
}

async function append(
  topic: TopicData,
  partition: PartitionData,
  { version, broker: { store }, refused, copies }: Circumstances,
): Promise<PartitionResponse> {
  const { index } = partition;
  try {
    const { name, compacted, maxMessageBytes } =
      version >= 13 ? store.topicById(topic.topicId) : store.topic(topic.name);
    const at = { topic: name, partition: index };
    store.offsets(at);
    const [sent] = partition.records ?? [];
    if (sent === undefined) throw new KitError('INVALID_BATCH', 'There are no records.');
    readBatchHeader(sent);
    if (compressionOf(sent) === ZSTD && version < FIRST_ZSTD_VERSION)
      return failed(index, ERROR.UNSUPPORTED_COMPRESSION_TYPE);
    if (refused !== null) return failed(index, refused);
    if (sent.length > maxMessageBytes) {
      throw new KitError('BATCH_TOO_LARGE', `A batch of ${sent.length} bytes is over the limit of ${maxMessageBytes}.`);
    }
    checkWireBatch(sent, compacted);
    const baseOffset = await store.append(at, copies ? ownBytes(sent) : sent);
    const { start } = store.offsets(at);
    return { index, errorCode: ERROR.NONE, baseOffset, logStartOffset: start };
  } catch (error) {
    return { ...failed(index, errorCodeOf(error), errorMessageOf(error)), recordErrors: recordErrorsOf(error) };
  }
}

/** KIP-467: which records of the batch are at fault. */
function recordErrorsOf(error: unknown): PartitionResponse['recordErrors'] & {} {
  const { indexes = [] } = isKitError(error, 'INVALID_RECORD') ? (error.details as { indexes?: number[] }) : {};
  const batchIndexErrorMessage = 'A compacted topic takes no record without a key.';
  return indexes.slice(0, MAX_RECORD_ERRORS).map((batchIndex) => ({ batchIndex, batchIndexErrorMessage }));
}

function failed(index: number, errorCode: number, errorMessage: string | null = null): PartitionResponse {
  return { index, errorCode, baseOffset: -1, errorMessage };
}

/** The log keeps what it is given: together the batches must not keep a block of memory that they fill a small part of. */
function wastesMemory(topicData: readonly TopicData[]): boolean {
  const sent = topicData.flatMap(({ partitionData }) => partitionData.flatMap(({ records }) => records ?? []));
  const bytes = sent.reduce((sum, { length }) => sum + length, 0);
  return sent.some(({ buffer }) => buffer.byteLength > 2 * bytes);
}
