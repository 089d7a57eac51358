/**
 * The client application: stock prices, as the W3C's page on connectionless push has them.
 *
 * It does not know by which bearer its events come.
 */

export function follow(source, updateStocks, haltStock) {
  source.onmessage = function (event) {
    var data = event.data.split('\n');
    updateStocks(data[0], data[1], data[2]);
  };
  // This server application has events of two more types.
  source.addEventListener("trade", source.onmessage);
  source.addEventListener("halt", (event) => haltStock(event.data.split("\n")[0]));
}
