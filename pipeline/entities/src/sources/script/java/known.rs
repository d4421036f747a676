//! Products by their main class.

use super::{Launch, Main};
use crate::resolve::Named;
use crate::sources::words::{last_part, value};

/// How a main class begins, or ends after a dot, and the product it is.
const CLASSES: &[(&str, &str)] = &[
    ("kafka.Kafka", "kafka"),
    ("kafka.tools.MirrorMaker", "kafka-mirror-maker"),
    ("org.apache.kafka.connect.mirror.", "kafka-mirror-maker"),
    ("org.apache.kafka.connect.", "kafka-connect"),
    ("io.confluent.kafka.schemaregistry.", "schema-registry"),
    ("io.confluent.kafkarest.", "kafka-rest"),
    ("io.confluent.ksql.", "ksqldb"),
    ("io.confluent.support.metrics.SupportedKafka", "kafka"),
    ("org.apache.zookeeper.", "zookeeper"),
    ("org.elasticsearch.", "elasticsearch"),
    ("org.opensearch.", "opensearch"),
    ("org.logstash.", "logstash"),
    ("org.apache.cassandra.", "cassandra"),
    ("com.scylladb.", "scylla"),
    ("org.apache.hadoop.hdfs.server.namenode.NameNode", "hdfs-namenode"),
    ("org.apache.hadoop.hdfs.server.namenode.SecondaryNameNode", "hdfs-secondarynamenode"),
    ("org.apache.hadoop.hdfs.server.datanode.", "hdfs-datanode"),
    ("org.apache.hadoop.hdfs.qjournal.server.", "hdfs-journalnode"),
    ("org.apache.hadoop.yarn.server.resourcemanager.", "yarn-resourcemanager"),
    ("org.apache.hadoop.yarn.server.nodemanager.", "yarn-nodemanager"),
    ("org.apache.hadoop.mapreduce.v2.hs.", "mapreduce-historyserver"),
    ("org.apache.hadoop.hbase.master.", "hbase-master"),
    ("org.apache.hadoop.hbase.regionserver.", "hbase-regionserver"),
    ("org.apache.spark.deploy.master.Master", "spark-master"),
    ("org.apache.spark.deploy.worker.Worker", "spark-worker"),
    ("org.apache.spark.deploy.history.", "spark-history"),
    ("org.apache.spark.executor.", "spark-executor"),
    ("org.apache.flink.runtime.taskexecutor.", "flink-taskmanager"),
    ("org.apache.flink.", "flink-jobmanager"),
    ("org.apache.pulsar.", "pulsar"),
    ("org.apache.bookkeeper.", "bookkeeper"),
    ("org.apache.activemq.", "activemq"),
    ("org.apache.solr.", "solr"),
    ("io.trino.server.", "trino"),
    ("com.facebook.presto.server.", "presto"),
    ("org.sonar.", "sonarqube"),
    ("org.sonatype.nexus.", "nexus"),
    ("com.neo4j.", "neo4j"),
    ("org.neo4j.", "neo4j"),
    ("com.hazelcast.", "hazelcast"),
    ("org.infinispan.", "infinispan"),
    ("org.gradle.launcher.daemon.", "gradle-daemon"),
    ("org.gradle.wrapper.", "gradle"),
    ("org.jruby.Main", "jruby"),
    ("org.codehaus.plexus.classworlds.launcher.Launcher", "maven"),
    ("com.amazonaws.services.dynamodbv2.local.", "dynamodb-local"),
    ("com.google.cloud.datastore.emulator.", "datastore-emulator"),
];

/// Products whose main class takes a role as its first word.
const ROLES: &[(&str, &str)] = &[("org.apache.druid.cli.Main", "druid")];

/// Jars that are a product's, by their name.
const JARS: &[(&str, &str)] = &[
    ("activemq.jar", "activemq"),
    ("artemis-boot.jar", "artemis"),
    ("jenkins.war", "jenkins"),
    ("logstash.jar", "logstash"),
    ("quarkus-run.jar", ""),
    ("sonar-application", "sonarqube"),
    ("wiremock", "wiremock"),
];

/// Classes that run another one or a project: Spring's, Vert.x's and Play's own.
const VERTX: &[&str] =
    &["io.vertx.core.Launcher", "io.vertx.launcher.application.VertxApplication"];

/// The name of a known product.
pub(super) fn name(launch: &Launch<'_, '_>) -> Option<Named> {
    let product = |name: &str| Some(Named::new(name, "java product"));
    match launch.main {
        Main::Jar(jar) => {
            let file = last_part(jar);
            let row = JARS.iter().find(|(start, _)| file.starts_with(start))?;
            if row.1.is_empty() {
                let jar = launch.command.path(jar);
                return launch.command.by_folder(jar.parent()?.parent()?, "java jar");
            }
            product(row.1)
        }
        Main::Class(class) | Main::Module(class) => {
            let class = class.rsplit('/').next().unwrap_or(class);
            if VERTX.contains(&class) {
                let verticle = launch.arguments.iter().find(|word| word.contains('.'))?;
                return Some(Named::new(super::class_name(verticle)?, "vert.x verticle"));
            }
            if class == "org.apache.spark.deploy.SparkSubmit" {
                return spark(launch);
            }
            if let Some((_, product)) = ROLES.iter().find(|(known, _)| *known == class) {
                let role = launch.arguments.get(1).map_or(String::new(), |role| format!("-{role}"));
                return Some(Named::new(format!("{product}{role}"), "java product"));
            }
            product(CLASSES.iter().find(|(start, _)| class.starts_with(start))?.1)
        }
        Main::Source(_) => None,
    }
}

/// `--name`, `--class`, or the program that is submitted.
fn spark(launch: &Launch<'_, '_>) -> Option<Named> {
    let words = launch.arguments;
    if let Some(name) = value(words, &["--name"]) {
        return Some(Named::new(name, "spark application"));
    }
    if let Some(class) = value(words, &["--class"]) {
        return Some(Named::new(super::class_name(class)?, "spark application"));
    }
    let file = words.iter().find(|word| word.ends_with(".py") || word.ends_with(".jar"))?;
    launch.command.by_path(file, "spark application")
}
