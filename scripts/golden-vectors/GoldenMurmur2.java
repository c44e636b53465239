import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

/**
 * Writes test/golden/murmur2.json: what the Java client's default partitioner makes of a keyed record.
 * Needs Kafka's jars, which `streamsocial cluster up` fetches into its cache (`kafka-4.1.1-jolokia-2.3.0`), and a JDK. From the root:
 *
 *   java -cp "$HOME/.cache/streamsocial/kafka-4.1.1-jolokia-2.3.0/*" scripts/golden-vectors/GoldenMurmur2.java > test/golden/murmur2.json
 *   npx biome format --write test/golden
 */
public class GoldenMurmur2 {
  static final int[] COUNTS = {1, 2, 3, 6, 7, 12, 30, 100, 500, 1000, 1500};

  public static void main(String[] args) {
    StringBuilder json = new StringBuilder("{\n  \"partitionCounts\": [");
    for (int i = 0; i < COUNTS.length; i++) json.append(i == 0 ? "" : ", ").append(COUNTS[i]);
    json.append("],\n  \"vectors\": [\n");
    List<byte[]> keys = keys();
    for (int i = 0; i < keys.size(); i++) {
      byte[] key = keys.get(i);
      json.append("    { \"key_hex\": \"").append(HexFormat.of().formatHex(key)).append("\", \"murmur2\": ");
      json.append(Utils.murmur2(key)).append(", \"partitions\": [");
      for (int c = 0; c < COUNTS.length; c++) {
        json.append(c == 0 ? "" : ", ").append(BuiltInPartitioner.partitionForKey(key, COUNTS[c]));
      }
      json.append("] }").append(i == keys.size() - 1 ? "" : ",").append("\n");
    }
    System.out.print(json.append("  ]\n}\n"));
  }

  /** Text of many scripts, every length from 0 to 40 (the hash has a tail of 0 to 3 bytes), bytes that are not text. */
  static List<byte[]> keys() {
    List<byte[]> keys = new ArrayList<>();
    for (int i = 0; i < 60; i++) keys.add(text("u_" + i));
    for (int i = 0; i < 40; i++) keys.add(text("post_" + (i * 7919)));
    for (String key : new String[] {
        " ", "\t", "\n", "0", "-1", "null", "true", "a", "A", "aa", "ab", "abc", "abcd", "abcde", "user:42", "content/991",
        "00000000-0000-0000-0000-000000000000", "018f3b1e-6a2c-7c3d-9e4f-5a6b7c8d9e0f", "zażółć gęślą jaźń", "Straße",
        "naïve café", "Ωμέγα", "Привет", "こんにちは", "안녕하세요", "你好", "שלום", "مرحبا", "हिन्दी", "🙂", "👩‍👩‍👧‍👦", "\u0000",
        "\u0000\u0000", "e\u0301", "\u00e9", "\ufeffbom", "x".repeat(255), "x".repeat(256), "y".repeat(4096) }) {
      keys.add(text(key));
    }
    Random random = new Random(20260527);
    for (int length = 0; length <= 40; length++) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      keys.add(bytes);
    }
    for (int length = 1; length <= 8; length++) {
      keys.add(filled(length, 0x00));
      keys.add(filled(length, 0x7f));
      keys.add(filled(length, 0x80));
      keys.add(filled(length, 0xff));
    }
    return keys;
  }

  static byte[] text(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}
