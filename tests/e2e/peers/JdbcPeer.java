// Everyday work with JDBC; see psycopg2_peer.py. The mode of queries (simple, extended) is that of the driver.
// Usage: JdbcPeer work|denied HOST DATABASE TYPES MODE

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;
import org.postgresql.util.PSQLException;

public class JdbcPeer {
  static final String CARD = "4111111111111111";
  static Connection connection;
  static String url;
  static Properties how = new Properties();

  static void say(Object... what) {
    StringBuilder line = new StringBuilder();
    for (Object one : what) line.append(line.length() == 0 ? "" : " ").append(one);
    System.out.println(line);
  }

  static String shown(Object value) throws SQLException {
    if (value instanceof byte[]) return Arrays.toString((byte[]) value);
    if (value instanceof Array) return Arrays.deepToString((Object[]) ((Array) value).getArray());
    if (value instanceof java.sql.SQLXML) return ((java.sql.SQLXML) value).getString();
    return value == null ? "null" : value.getClass().getSimpleName() + " " + value;
  }

  static void show(ResultSet rows) throws SQLException {
    ResultSetMetaData columns = rows.getMetaData();
    while (rows.next()) {
      StringBuilder line = new StringBuilder();
      for (int i = 1; i <= columns.getColumnCount(); ++i)
        line.append(columns.getColumnName(i)).append(' ').append(columns.getColumnTypeName(i)).append(": ")
            .append(shown(rows.getObject(i))).append("; ");
      say(line);
    }
    rows.close();
  }

  static void run(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean isRows = statement.execute(sql);
      while (true) {
        if (isRows) {
          show(statement.getResultSet());
        } else if (statement.getUpdateCount() == -1) {
          break;
        } else {
          say("changed", statement.getUpdateCount());
        }
        isRows = statement.getMoreResults();
      }
    }
  }

  static void fails(String sql) {
    try {
      run(sql);
      say("no error");
    } catch (SQLException error) {
      tell(error);
    }
  }

  static void tell(SQLException error) {
    String hint = error instanceof PSQLException && ((PSQLException) error).getServerErrorMessage() != null
        ? ((PSQLException) error).getServerErrorMessage().getHint() : null;
    say("error", error.getSQLState(), error.getMessage(), hint);
  }

  static void schema() throws SQLException {
    run("drop schema if exists jdbc cascade; create schema jdbc; set search_path to jdbc");
    run("create table items (id int primary key, name text, price numeric, card text, data bytea)");
    ResultSet columns = connection.getMetaData().getColumns(null, "jdbc", "items", null);
    while (columns.next())
      say(columns.getString("COLUMN_NAME"), columns.getString("TYPE_NAME"), columns.getInt("COLUMN_SIZE"));
    columns.close();
  }

  static void allTypes(List<String> types) throws SQLException {
    for (String line : types) {
      String[] parts = line.split("\t", -1);
      String sql = "select ?::text::" + parts[0] + " as it, array[?::text::" + parts[0] + ", null] as many";
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        for (int again = 0; again < 3; ++again) {  // from text to binary, once it is prepared
          statement.setString(1, parts[1]);
          statement.setString(2, parts[1]);
          try {
            show(statement.executeQuery());
          } catch (SQLException error) {
            tell(error);
          }
        }
      }
    }
  }

  static void transactions() throws SQLException {
    connection.setAutoCommit(false);
    run("insert into items values (1, 'one', 1.5)");
    connection.rollback();
    run("select * from items");
    try (PreparedStatement insert = connection.prepareStatement("insert into items values (?, ?, ?, ?, ?)")) {
      insert.setInt(1, 1);
      insert.setString(2, "one");
      insert.setBigDecimal(3, new java.math.BigDecimal("1.50"));
      insert.setString(4, CARD);
      insert.setNull(5, java.sql.Types.BINARY);
      if (!how.getProperty("preferQueryMode").equals("simple")) insert.setBytes(5, new byte[] {0, 1, -1});  // it cannot
      say(insert.executeUpdate());
    }
    Savepoint here = connection.setSavepoint("here");
    fails("insert into items values (1)");
    fails("select 'not in a failed transaction'");
    connection.rollback(here);
    connection.commit();
    run("select * from items");
    connection.commit();
    connection.setAutoCommit(true);
  }

  static void errors() throws SQLException {
    fails("select * from nowhere");
    fails("selec");
    fails("select 1/0");
    fails("insert into items values (1)");
    fails("do $$ begin raise exception 'mine' using errcode = 'P9999', hint = 'a hint'; end $$");
    try (Statement statement = connection.createStatement()) {
      statement.execute("do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$");
      for (SQLWarning one = statement.getWarnings(); one != null; one = one.getNextWarning())
        say(one.getSQLState(), one.getMessage());
    }
    run("select 1 as a; select 2 as b; update items set price = 3");
  }

  static void batches() throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement("insert into items (id, name) values (?, ?)")) {
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 1000; ++i) {
          insert.setInt(1, 10 + round * 1000 + i);
          insert.setString(2, "item " + i);
          insert.addBatch();
        }
        say(Arrays.stream(insert.executeBatch()).sum());
      }
      for (int id : new int[] {5000, 10, 5001}) {
        insert.setInt(1, id);
        insert.setString(2, "a batch that fails");
        insert.addBatch();
      }
      insert.executeBatch();
      say("no error");
    } catch (BatchUpdateException error) {
      say(Arrays.toString(error.getUpdateCounts()), error.getSQLState(), error.getMessage());
    }
    run("select count(*), sum(id) from items");
    try (PreparedStatement keys = connection.prepareStatement("insert into items values (6000, 'keys') returning id, name")) {
      show(keys.executeQuery());
    }
  }

  static void largeResult() throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement statement =
             connection.prepareStatement("select i, repeat(md5(i::text), 4) from generate_series(1, ?) i")) {
      statement.setFetchSize(250);
      statement.setInt(1, 20000);
      long total = 0;
      ResultSet rows = statement.executeQuery();
      while (rows.next()) total = (total * 31 + rows.getInt(1) + rows.getString(2).charAt(0)) % 1000003;
      say(total);
      statement.setInt(1, 700);
      statement.setMaxRows(600);
      rows = statement.executeQuery();
      int count = 0;
      while (rows.next()) ++count;
      say(count);
    }
    connection.commit();
    connection.setAutoCommit(true);
    run("select length(repeat('x', 3000000))");
  }

  static void copies() throws Exception {
    CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
    StringBuilder text = new StringBuilder();
    for (int i = 10000; i < 14000; ++i)
      text.append(i).append("\tcopied ").append(i).append("\t\\N\t").append(i == 10005 ? CARD : "a card").append("\t\\N\n");
    say(copy.copyIn("copy items from stdin", new ByteArrayInputStream(text.toString().getBytes(StandardCharsets.UTF_8))));
    for (String format : new String[] {"text", "csv", "binary"}) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      say(copy.copyOut("copy (select * from items where id between 10000 and 10050 order by id) to stdout (format " + format + ")", out));
      say(out.toString(StandardCharsets.ISO_8859_1));
    }
    try {
      copy.copyIn("copy items from stdin", new ByteArrayInputStream("bad\tbad\n".getBytes(StandardCharsets.UTF_8)));
    } catch (SQLException error) {
      tell(error);
    }
    run("select count(*) from items");
  }

  static void largeObject() throws SQLException {
    connection.setAutoCommit(false);
    LargeObjectManager manager = connection.unwrap(PGConnection.class).getLargeObjectAPI();
    long oid = manager.createLO();
    LargeObject thing = manager.open(oid, LargeObjectManager.READWRITE);
    byte[] bytes = new byte[180000];
    for (int i = 0; i < bytes.length; ++i) bytes[i] = (byte) (i * 7);
    thing.write(bytes);
    thing.seek(0);
    say(Arrays.equals(bytes, thing.read(bytes.length)));
    thing.close();
    manager.delete(oid);
    connection.commit();
    connection.setAutoCommit(true);
  }

  static void notifications() throws SQLException {
    run("listen news");
    try (Connection other = DriverManager.getConnection(url, how); Statement statement = other.createStatement()) {
      statement.execute("select pg_notify('news', 'payload ' || i) from generate_series(1, 3) i");
    }
    int heard = 0;
    while (heard < 3) {
      PGNotification[] some = connection.unwrap(PGConnection.class).getNotifications(10000);
      if (some == null || some.length == 0) break;
      for (PGNotification one : some) say(one.getName(), one.getParameter());
      heard += some.length;
    }
  }

  static void cancel() throws Exception {
    Statement statement = connection.createStatement();
    Thread canceller = new Thread(() -> {
      try {
        Thread.sleep(500);
        statement.cancel();
      } catch (Exception error) {
        say("cancel failed:", error);
      }
    });
    canceller.start();
    try {
      statement.execute("select pg_sleep(30)");
      say("it was not cancelled");
    } catch (SQLException error) {
      tell(error);
    }
    canceller.join();
    statement.setQueryTimeout(1);
    try {
      statement.execute("select pg_sleep(30)");
      say("it was not cancelled");
    } catch (SQLException error) {
      tell(error);
    }
    statement.close();
    run("select 'after the cancel' as it");
  }

  static void denied() throws SQLException {
    fails("drop table customers");
    run("select 'goes on' as it");
    connection.setAutoCommit(false);
    fails("drop table customers");
    fails("select 1");
    connection.rollback();
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("create temporary table t (i int)");
      statement.addBatch("drop table customers");
      statement.addBatch("select 1");
      statement.executeBatch();
      say("no error");
    } catch (BatchUpdateException error) {
      say("error", error.getSQLState(), Arrays.toString(error.getUpdateCounts()));
    }
    run("select 'and on' as it");
  }

  public static void main(String[] arguments) throws Exception {
    System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
    url = "jdbc:postgresql://" + arguments[1] + "/" + arguments[2];
    how.setProperty("user", "ann");
    how.setProperty("ApplicationName", "jdbc");
    how.setProperty("preferQueryMode", arguments[4]);
    how.setProperty("prepareThreshold", "2");
    connection = DriverManager.getConnection(url, how);
    if (arguments[0].equals("denied")) {
      denied();
    } else {
      schema();
      allTypes(Files.readAllLines(Path.of(arguments[3])));
      transactions();
      errors();
      batches();
      largeResult();
      copies();
      largeObject();
      notifications();
      cancel();
      run("drop schema jdbc cascade");
    }
    connection.close();
    say("done");
  }
}
