from shop.csv import writer
