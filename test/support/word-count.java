import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/** Counts the words of the topic "lines" into the topic "words", with the properties in the file that is its argument. */
public final class WordCount {
  public static void main(String[] args) throws Exception {
    var properties = new Properties();
    try (var file = Files.newInputStream(Path.of(args[0]))) {
      properties.load(file);
    }
    var text = Serdes.String();
    var builder = new StreamsBuilder();
    builder
        .stream("lines", Consumed.with(text, text))
        .flatMapValues(line -> List.of(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with("by-word", text, text))
        .count(Materialized.as("counts"))
        .toStream()
        .to("words", Produced.with(text, Serdes.Long()));
    var streams = new KafkaStreams(builder.build(), properties);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
